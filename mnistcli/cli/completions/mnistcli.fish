function __mnistcli
    set -l answers (env _MNISTCLI_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args _TYPER_COMPLETE_ARGS=(commandline -cp) mnistcli 2>/dev/null)
    set -l option (string match -r -- '^--[^=]*=' (commandline -ct))
    # Where there is no answer, one empty line says so.
    if test -z "$answers"
        set answers (__fish_complete_path (string replace -- "$option" '' (commandline -ct)))
    end
    for answer in $answers
        printf '%s\n' "$option$answer"
    end
end
complete --command mnistcli --no-files --arguments '(__mnistcli)'
