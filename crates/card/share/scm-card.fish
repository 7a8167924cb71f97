complete -c scm-card -l port -d 'The TCP port of the vpcd reader' -r
complete -c scm-card -l atr -d 'The ATR in hexadecimal, instead of that of the profile' -r
complete -c scm-card -l profile -d 'The card: default, steerable, or a file in TOML' -r -F
complete -c scm-card -l check -d 'Only checks the profile'
complete -c scm-card -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scm-card -s V -l version -d 'Print version'
