# shellcheck shell=busybox
# say WORDS: one LABGUEST line on the console. Other programs parse these lines: see the role's README.
# Only builtins (a fork costs milliseconds under emulation), and one write, so that lines never mix.
say() {
  read -r up _ </proc/uptime
  echo "LABGUEST $* up=$up" >/dev/console
}
