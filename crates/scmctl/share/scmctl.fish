# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_scmctl_global_optspecs
    string join \n r/reader= card= limit= verify= encoding= block= filler= codes-from-stdin json color= h/help V/version
end

function __fish_scmctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_scmctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_scmctl_using_subcommand
    set -l cmd (__fish_scmctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c scmctl -n "__fish_scmctl_needs_command" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_needs_command" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_needs_command" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_needs_command" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_needs_command" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_needs_command" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_needs_command" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_needs_command" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_needs_command" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_needs_command" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_needs_command" -s V -l version -d 'Print version'
complete -c scmctl -n "__fish_scmctl_needs_command" -f -a "list" -d 'Lists readers and cards, with the ATR decoded'
complete -c scmctl -n "__fish_scmctl_needs_command" -f -a "watch" -d 'Prints events as they happen: readers and cards that come and go'
complete -c scmctl -n "__fish_scmctl_needs_command" -f -a "doctor" -d 'Finds faults of service, permissions, drivers, readers and cards, and says what helps'
complete -c scmctl -n "__fish_scmctl_needs_command" -f -a "status" -d 'Prints the state of a card and of its reader'
complete -c scmctl -n "__fish_scmctl_needs_command" -f -a "send" -d 'Sends commands (APDUs) and prints the answers'
complete -c scmctl -n "__fish_scmctl_needs_command" -f -a "shell" -d 'A prompt with history: commands (APDUs), files, codes'
complete -c scmctl -n "__fish_scmctl_needs_command" -f -a "tree" -d 'Prints the files of a card as a tree'
complete -c scmctl -n "__fish_scmctl_needs_command" -f -a "cat" -d 'Prints a file of a card'
complete -c scmctl -n "__fish_scmctl_needs_command" -f -a "write" -d 'Writes to a file of a card'
complete -c scmctl -n "__fish_scmctl_needs_command" -f -a "verify" -d 'Presents a code (PIN), or asks how many tries are left'
complete -c scmctl -n "__fish_scmctl_needs_command" -f -a "change" -d 'Gives a code a new value'
complete -c scmctl -n "__fish_scmctl_needs_command" -f -a "unblock" -d 'Unblocks a code that was wrong too often, and gives it a new value'
complete -c scmctl -n "__fish_scmctl_needs_command" -f -a "reset" -d 'Resets a card'
complete -c scmctl -n "__fish_scmctl_needs_command" -f -a "replay" -d 'Sends the commands of a script, and compares the answers'
complete -c scmctl -n "__fish_scmctl_needs_command" -f -a "generate" -d 'Writes the manual pages, or completions for a shell'
complete -c scmctl -n "__fish_scmctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c scmctl -n "__fish_scmctl_using_subcommand list" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand list" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand list" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand list" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand list" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_using_subcommand list" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand list" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand list" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_using_subcommand list" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand list" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_using_subcommand watch" -l count -d 'Ends after this many events' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand watch" -l seconds -d 'Ends after this many seconds' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand watch" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand watch" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand watch" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand watch" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand watch" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_using_subcommand watch" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand watch" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand watch" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_using_subcommand watch" -l once -d 'Ends when the present state is told'
complete -c scmctl -n "__fish_scmctl_using_subcommand watch" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand watch" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_using_subcommand watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_using_subcommand doctor" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand doctor" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand doctor" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand doctor" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand doctor" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_using_subcommand doctor" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand doctor" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand doctor" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_using_subcommand doctor" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand doctor" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_using_subcommand status" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand status" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand status" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand status" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand status" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_using_subcommand status" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand status" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand status" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_using_subcommand status" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand status" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_using_subcommand send" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand send" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand send" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand send" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand send" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_using_subcommand send" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand send" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand send" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_using_subcommand send" -l raw -d 'Sends exactly the bytes: no GET RESPONSE, no correction of Le, no chaining'
complete -c scmctl -n "__fish_scmctl_using_subcommand send" -l keep-going -d 'Goes on after a command that the card refuses'
complete -c scmctl -n "__fish_scmctl_using_subcommand send" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand send" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_using_subcommand send" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_using_subcommand shell" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand shell" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand shell" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand shell" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand shell" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_using_subcommand shell" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand shell" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand shell" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_using_subcommand shell" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand shell" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_using_subcommand shell" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_using_subcommand tree" -l ids -d 'Tries these identifiers, such as 0001-FFFE, instead of the usual ones. On a real card all of them take minutes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand tree" -l preview -d 'How many bytes of each file are read; 0 reads nothing' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand tree" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand tree" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand tree" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand tree" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand tree" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_using_subcommand tree" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand tree" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand tree" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_using_subcommand tree" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand tree" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_using_subcommand tree" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_using_subcommand cat" -l record -d 'Only this record; the first one is 1' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand cat" -s o -l output -d 'Writes the bytes to this file' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand cat" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand cat" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand cat" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand cat" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand cat" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_using_subcommand cat" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand cat" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand cat" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_using_subcommand cat" -l hex -d 'Prints hexadecimal digits and text, as on a terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand cat" -l raw -d 'Writes the bytes as they are, as into a pipe'
complete -c scmctl -n "__fish_scmctl_using_subcommand cat" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand cat" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_using_subcommand cat" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_using_subcommand write" -l hex -d 'The data in hexadecimal digits' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand write" -l offset -d 'Where the data go in the file' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand write" -l record -d 'Replaces this record; the first one is 1' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand write" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand write" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand write" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand write" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand write" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_using_subcommand write" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand write" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand write" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_using_subcommand write" -l append -d 'Adds a record'
complete -c scmctl -n "__fish_scmctl_using_subcommand write" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand write" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_using_subcommand write" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_using_subcommand verify" -l local -d 'The code belongs to this directory, such as 3F00/5016, and not to the whole card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand verify" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand verify" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand verify" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand verify" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand verify" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_using_subcommand verify" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand verify" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand verify" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_using_subcommand verify" -l pin-pad -d 'The user enters the codes at the PIN pad of the reader'
complete -c scmctl -n "__fish_scmctl_using_subcommand verify" -l check -d 'Presents nothing, and only asks for the state, which spends no try'
complete -c scmctl -n "__fish_scmctl_using_subcommand verify" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand verify" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_using_subcommand change" -l local -d 'The code belongs to this directory, such as 3F00/5016, and not to the whole card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand change" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand change" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand change" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand change" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand change" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_using_subcommand change" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand change" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand change" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_using_subcommand change" -l pin-pad -d 'The user enters the codes at the PIN pad of the reader'
complete -c scmctl -n "__fish_scmctl_using_subcommand change" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand change" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_using_subcommand change" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_using_subcommand unblock" -l local -d 'The code belongs to this directory, such as 3F00/5016, and not to the whole card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand unblock" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand unblock" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand unblock" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand unblock" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand unblock" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_using_subcommand unblock" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand unblock" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand unblock" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_using_subcommand unblock" -l pin-pad -d 'The user enters the codes at the PIN pad of the reader'
complete -c scmctl -n "__fish_scmctl_using_subcommand unblock" -l keep -d 'Keeps the value of the code, and only resets its tries'
complete -c scmctl -n "__fish_scmctl_using_subcommand unblock" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand unblock" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_using_subcommand unblock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_using_subcommand reset" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand reset" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand reset" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand reset" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand reset" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_using_subcommand reset" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand reset" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand reset" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_using_subcommand reset" -l cold -d 'Turns the power of the card off and on; without it the card is reset with power'
complete -c scmctl -n "__fish_scmctl_using_subcommand reset" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand reset" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_using_subcommand reset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_using_subcommand replay" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand replay" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand replay" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand replay" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand replay" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_using_subcommand replay" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand replay" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand replay" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_using_subcommand replay" -l raw -d 'Sends exactly the bytes: no GET RESPONSE, no correction of Le, no chaining'
complete -c scmctl -n "__fish_scmctl_using_subcommand replay" -l keep-going -d 'Goes on after an answer that differs'
complete -c scmctl -n "__fish_scmctl_using_subcommand replay" -s a -l all -d 'Prints each command and each answer'
complete -c scmctl -n "__fish_scmctl_using_subcommand replay" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand replay" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_using_subcommand replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and not __fish_seen_subcommand_from man completions help" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and not __fish_seen_subcommand_from man completions help" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and not __fish_seen_subcommand_from man completions help" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and not __fish_seen_subcommand_from man completions help" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and not __fish_seen_subcommand_from man completions help" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and not __fish_seen_subcommand_from man completions help" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and not __fish_seen_subcommand_from man completions help" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and not __fish_seen_subcommand_from man completions help" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and not __fish_seen_subcommand_from man completions help" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and not __fish_seen_subcommand_from man completions help" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and not __fish_seen_subcommand_from man completions help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and not __fish_seen_subcommand_from man completions help" -f -a "man" -d 'Writes the manual pages: scmctl(1), and one for each command'
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and not __fish_seen_subcommand_from man completions help" -f -a "completions" -d 'Prints completions for a shell'
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and not __fish_seen_subcommand_from man completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from man" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from man" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from man" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from man" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from man" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from man" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from man" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from man" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from man" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from man" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from completions" -s r -l reader -d 'Part of the name of the reader; needed if several readers have a card' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from completions" -l card -d 'A virtual card instead of a reader: default, steerable, or a description in TOML' -r -F
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from completions" -l limit -d 'How long to wait for other users of the card, in milliseconds; no limit without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from completions" -l verify -d 'Presents this code of the card first; it is asked for' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from completions" -l encoding -d 'How a code is encoded' -r -f -a "ascii\t'The characters as they are'
bcd\t'Two digits in a byte'
iso9564\t'A block of ISO 9564-1, format 2'"
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from completions" -l block -d 'Fills each code to this length, in bytes' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from completions" -l filler -d 'The byte that fills a code, in hexadecimal digits; FF without it' -r
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from completions" -l color -d 'Colours: auto (only on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from completions" -l codes-from-stdin -d 'Reads the codes from the standard input, one on a line, instead of the terminal'
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from completions" -l json -d 'Prints JSON, one value on a line'
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from help" -f -a "man" -d 'Writes the manual pages: scmctl(1), and one for each command'
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from help" -f -a "completions" -d 'Prints completions for a shell'
complete -c scmctl -n "__fish_scmctl_using_subcommand generate; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and not __fish_seen_subcommand_from list watch doctor status send shell tree cat write verify change unblock reset replay generate help" -f -a "list" -d 'Lists readers and cards, with the ATR decoded'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and not __fish_seen_subcommand_from list watch doctor status send shell tree cat write verify change unblock reset replay generate help" -f -a "watch" -d 'Prints events as they happen: readers and cards that come and go'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and not __fish_seen_subcommand_from list watch doctor status send shell tree cat write verify change unblock reset replay generate help" -f -a "doctor" -d 'Finds faults of service, permissions, drivers, readers and cards, and says what helps'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and not __fish_seen_subcommand_from list watch doctor status send shell tree cat write verify change unblock reset replay generate help" -f -a "status" -d 'Prints the state of a card and of its reader'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and not __fish_seen_subcommand_from list watch doctor status send shell tree cat write verify change unblock reset replay generate help" -f -a "send" -d 'Sends commands (APDUs) and prints the answers'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and not __fish_seen_subcommand_from list watch doctor status send shell tree cat write verify change unblock reset replay generate help" -f -a "shell" -d 'A prompt with history: commands (APDUs), files, codes'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and not __fish_seen_subcommand_from list watch doctor status send shell tree cat write verify change unblock reset replay generate help" -f -a "tree" -d 'Prints the files of a card as a tree'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and not __fish_seen_subcommand_from list watch doctor status send shell tree cat write verify change unblock reset replay generate help" -f -a "cat" -d 'Prints a file of a card'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and not __fish_seen_subcommand_from list watch doctor status send shell tree cat write verify change unblock reset replay generate help" -f -a "write" -d 'Writes to a file of a card'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and not __fish_seen_subcommand_from list watch doctor status send shell tree cat write verify change unblock reset replay generate help" -f -a "verify" -d 'Presents a code (PIN), or asks how many tries are left'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and not __fish_seen_subcommand_from list watch doctor status send shell tree cat write verify change unblock reset replay generate help" -f -a "change" -d 'Gives a code a new value'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and not __fish_seen_subcommand_from list watch doctor status send shell tree cat write verify change unblock reset replay generate help" -f -a "unblock" -d 'Unblocks a code that was wrong too often, and gives it a new value'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and not __fish_seen_subcommand_from list watch doctor status send shell tree cat write verify change unblock reset replay generate help" -f -a "reset" -d 'Resets a card'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and not __fish_seen_subcommand_from list watch doctor status send shell tree cat write verify change unblock reset replay generate help" -f -a "replay" -d 'Sends the commands of a script, and compares the answers'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and not __fish_seen_subcommand_from list watch doctor status send shell tree cat write verify change unblock reset replay generate help" -f -a "generate" -d 'Writes the manual pages, or completions for a shell'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and not __fish_seen_subcommand_from list watch doctor status send shell tree cat write verify change unblock reset replay generate help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and __fish_seen_subcommand_from generate" -f -a "man" -d 'Writes the manual pages: scmctl(1), and one for each command'
complete -c scmctl -n "__fish_scmctl_using_subcommand help; and __fish_seen_subcommand_from generate" -f -a "completions" -d 'Prints completions for a shell'
