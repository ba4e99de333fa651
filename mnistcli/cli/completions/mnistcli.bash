_mnistcli() {
    local IFS=$'\n' line="${COMP_LINE:0:COMP_POINT}"
    # Of what Tab is pressed behind, bash puts the answer in place of "@2" in "0v1@2".
    local word="${line##*[[:space:]=]}" kept=
    [[ $COMP_WORDBREAKS == *@* && $word == *@* ]] && kept="${word%@*}"
    COMPREPLY=($(env _MNISTCLI_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args _TYPER_COMPLETE_ARGS="$line" "$1" 2>/dev/null))
    COMPREPLY=("${COMPREPLY[@]%%$'\t'*}")
    COMPREPLY=("${COMPREPLY[@]#"$kept"}")
}
complete -o default -F _mnistcli mnistcli
