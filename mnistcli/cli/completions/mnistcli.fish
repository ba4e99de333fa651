function __mnistcli
    set -l answers (env _MNISTCLI_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args _TYPER_COMPLETE_ARGS=(commandline -cp) mnistcli 2>/dev/null)
    set -l option (string match -r -- '^--[^=]*=' (commandline -ct))
    if test (count $answers) -gt 0
        printf '%s\n' "$option"$answers
    else
        __fish_complete_path (commandline -ct)
    end
end
complete --command mnistcli --no-files --arguments '(__mnistcli)'
