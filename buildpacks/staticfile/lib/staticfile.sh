# Staticfile: "key: value" lines. A key that nothing here understands is refused, so that no setting is passed over in silence.

file=$build/Staticfile
lines() { if [ -f "$file" ]; then tr -d '\r' <"$file" | sed -e 's/[[:space:]]*$//' -e '/^[[:space:]]*\(#.*\)\{0,1\}$/d' -e '/^---$/d'; fi; }
# setting KEY: its value, without quotes and without what a comment says behind it.
setting() {
  lines | sed -n "s/^$1[[:space:]]*:[[:space:]]*//p" | tail -n 1 |
    sed -e "s/^\([\"']\)\(.*\)\1\([[:space:]]*#.*\)\{0,1\}$/\2/" -e t -e 's/[[:space:]]\{1,\}#.*$//'
}
# on KEY: 1 or 0.
on() {
  local value
  value=$(setting "$1")
  case $value in
    enabled | true | yes | on | visible) echo 1 ;;
    "" | disabled | false | no | off) echo 0 ;;
    *) fail "Staticfile: $1: $value is neither enabled nor disabled" ;;
  esac
}
# A path that goes into configurations as it is.
plain_path() {
  case "/$2/" in */../*) fail "Staticfile: $1: $2 leads out of the application" ;; esac
  [[ $2 != *[\"\\\$\;\{\}\']* ]] || fail "Staticfile: $1: $2 holds a character that cannot be in it (quote, backslash, dollar, semicolon, brace)"
}

while IFS= read -r line; do
  key=${line%%:*}
  case $line in
    root:* | pushstate:* | directory:* | force_https:* | host_dot_files:*) ;;
    http_strict_transport_security:* | http_strict_transport_security_include_subdomains:* | http_strict_transport_security_preload:*) ;;
    status_codes:) ;;
    [[:space:]]*404:*) ;;
    ssi:* | location_include:* | enable_http2:*)
      [[ $key = enable_http2 || $(on "$key") = 0 ]] || fail "Staticfile: $key is not offered: remove the line" ;;
    *) fail "Staticfile: \"${line:0:60}\" is not understood: there are root, pushstate, directory, force_https, host_dot_files, http_strict_transport_security and status_codes with 404" ;;
  esac
done < <(lines)

root=$(setting root)
root=${root#./}
root=${root#/}
root=${root%/}
[ "$root" != . ] || root=
plain_path root "$root"
[ -d "$build/$root" ] || fail "Staticfile: root: there is no folder $root"
pushstate=$(on pushstate)
directory=$(on directory)
dotfiles=$(on host_dot_files)
https=$(on force_https)
hsts=
if [ "$(on http_strict_transport_security)" = 1 ]; then
  hsts=max-age=31536000
  [ "$(on http_strict_transport_security_include_subdomains)" = 0 ] || hsts+="; includeSubDomains"
  [ "$(on http_strict_transport_security_preload)" = 0 ] || hsts+="; preload"
fi
missing=$(setting '[[:space:]]*404')
[ -z "$missing" ] || missing=/${missing#/}
plain_path 404 "$missing"
