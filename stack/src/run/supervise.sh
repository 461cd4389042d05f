# Runs a program that ends when whoever started it ends, however that happens, SIGKILL included.
#
#   sh -c "$(cat supervise.sh)" NAME SIGNAL SECONDS SCRATCH PROGRAM [ARGUMENT...]  < pipe
#
# The starter holds the other end of the pipe and writes nothing while the program runs. A line means that the program
# has ended and was waited for; end of file means that the starter is gone: then the program gets SIGNAL, SECONDS
# later SIGKILL, and the folder SCRATCH, unless it is empty, is removed.
#
# The program takes this shell's place, so that its process id and exit status are the ones the starter sees. The
# watcher is nobody's child by then: PostgreSQL would take a child it doesn't know for a crashed backend.
signal=$1 seconds=$2 scratch=$3
shift 3
exec 3<&0 </dev/null
( (
    if ! read -r _ <&3; then
        kill -s "$signal" "$$"
        while [ "$seconds" -gt 0 ] && kill -0 "$$"; do
            sleep 1
            seconds=$((seconds - 1))
        done
        kill -s KILL "$$"
        [ -z "$scratch" ] || rm -rf "$scratch"
    fi
) >/dev/null 2>&1 & )
exec "$@" 3<&-
