# shellcheck shell=bash
# The shell that the bootstrap is started from is somebody else's: what it has for other programs has no effect here.

# Numbers have a decimal point, or printf does not take them; paths are UTF-8, or Python does not find its packages.
export LC_ALL=C.UTF-8
unset "${!PYTHON@}" GOROOT GOOS GOARCH GOEXPERIMENT NODE_ENV NODE_OPTIONS
[ -w "${TMPDIR:-/tmp}" ] || unset TMPDIR
