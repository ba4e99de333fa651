from mnistcli.cli.call import Call
from mnistcli.cli.defaults import find_defaults
from mnistcli.cli.options import command
from mnistcli.errors import CorruptFileError
from mnistcli.paths import find_places


@command()
def doctor(call: Call) -> None:
    from mnistcli.cli.views.doctor import diagnosis_answer
    from mnistcli.doctor import examine

    diagnosis = examine(find_places(call.home), call.store(), call.registry())
    call.emit(diagnosis_answer(diagnosis, find_defaults(call.home)))
    if diagnosis.damaged:
        raise CorruptFileError(
            "damaged",
            ", ".join(diagnosis.damaged),
            hint="mnistcli download gets a dataset again, your own by --source PATH --as NAME "
            "--replace; mnistcli models rm removes a model; installing mnistcli again mends builtin",
        )
