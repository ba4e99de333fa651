"""``mnistcli completion``."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from mnistcli.cli.output import write

# All three ask in the way of Typer's script for fish, because it passes on the line as it is: the
# words that bash makes of 0v1@2 are 0v1, @ and 2.
_ASK = (
    "env _MNISTCLI_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args"
    " _TYPER_COMPLETE_ARGS="
)

SCRIPTS = {
    "bash": f"""\
_mnistcli() {{
    local IFS=$'\\n' line="${{COMP_LINE:0:COMP_POINT}}"
    # Of what Tab is pressed behind, bash puts the answer in place of "@2" in "0v1@2".
    local word="${{line##*[[:space:]=]}}" kept=
    [[ $COMP_WORDBREAKS == *@* && $word == *@* ]] && kept="${{word%@*}}"
    COMPREPLY=($({_ASK}"$line" "$1" 2>/dev/null))
    COMPREPLY=("${{COMPREPLY[@]%%$'\\t'*}}")
    COMPREPLY=("${{COMPREPLY[@]#"$kept"}}")
}}
complete -o default -F _mnistcli mnistcli
""",
    "zsh": f"""\
#compdef mnistcli
_mnistcli() {{
    local -a answers
    local line
    for line in ${{(f)"$({_ASK}"${{words[1,$CURRENT]}}" "$words[1]" 2>/dev/null)"}}; do
        if [[ $line == *$'\\t'* ]]; then
            answers+=("${{${{line%%$'\\t'*}}//:/\\\\:}}:${{line#*$'\\t'}}")
        else
            answers+=("${{line//:/\\\\:}}")
        fi
    done
    compset -P '--*='
    if (( $#answers )); then
        _describe mnistcli answers
    else
        _files
    fi
}}
if [[ $funcstack[1] == _mnistcli ]]; then
    _mnistcli "$@"
else
    compdef _mnistcli mnistcli
fi
""",
    "fish": f"""\
function __mnistcli
    set -l answers ({_ASK}(commandline -cp) mnistcli 2>/dev/null)
    set -l option (string match -r -- '^--[^=]*=' (commandline -ct))
    if test (count $answers) -gt 0
        printf '%s\\n' "$option"$answers
    else
        __fish_complete_path (commandline -ct)
    end
end
complete --command mnistcli --no-files --arguments '(__mnistcli)'
""",
}


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(show_default=False)],
) -> None:
    """Print a script that completes commands, options, models, tasks and datasets in a shell.

    Examples:

      mnistcli completion bash > ~/.local/share/bash-completion/completions/mnistcli

      mnistcli completion zsh > ~/.zfunc/_mnistcli       (with fpath+=~/.zfunc before compinit)

      mnistcli completion fish > ~/.config/fish/completions/mnistcli.fish
    """
    write(SCRIPTS[shell])
