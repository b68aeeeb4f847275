#!/usr/bin/env bash
# ready.sh PORT PATH: succeeds if this container answers with HTTP 200. Needs only bash, because not every image has curl.
set -eu
exec 3<>"/dev/tcp/127.0.0.1/$1"
printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&3
read -r -t 5 _ status _ <&3
test "$status" = 200
