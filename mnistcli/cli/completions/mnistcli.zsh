#compdef mnistcli
_mnistcli() {
    local -a answers
    local line
    for line in ${(f)"$(env _MNISTCLI_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" "$words[1]" 2>/dev/null)"}; do
        if [[ $line == *$'\t'* ]]; then
            answers+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
        else
            answers+=("${line//:/\\:}")
        fi
    done
    compset -P '--*='
    if (( $#answers )); then
        _describe mnistcli answers
    else
        _files
    fi
}
if [[ $funcstack[1] == _mnistcli ]]; then
    _mnistcli "$@"
else
    compdef _mnistcli mnistcli
fi
