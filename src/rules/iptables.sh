
# --- how: the same for every rule set ---

# replace IPTABLES [HOOK...]: puts the rules on standard input in the place of all chains of ours, and has
# these hooks jump to them, in one step. Without hooks: removes them.
replace() {
	command=$1
	shift
	hooks=" $* "
	added=
	dropped=
	listed=$("$command" -w -S) || return
	main=$(printf '%s\n' "$listed" | sed -n "s/^-N \($name\)\$/\1/p")
	others=$(printf '%s\n' "$listed" | sed -n "s/^-N \($own-[a-z]*\)\$/\1/p")
	# All that iptables has to tell is asked for before iptables-restore has the lock, for which -w waits. A hook
	# jumps to us more than once when two of these ran at the same time.
	for hook in FORWARD INPUT OUTPUT; do
		found=$(printf '%s\n' "$listed" | grep -cxe "-A $hook -j $name")
		case $hooks in *" $hook "*) wanted=1 ;; *) wanted=0 ;; esac
		if [ "$found" -lt "$wanted" ]; then added="$added $hook"; fi
		while [ "$found" -gt "$wanted" ]; do
			dropped="$dropped $hook"
			found=$((found - 1))
		done
	done
	{
		echo '*filter'
		for hook in $dropped; do echo "-D $hook -j $name"; done
		for chain in $main $others; do echo "-F $chain"; done
		for chain in $others; do echo "-X $chain"; done
		if [ $# -gt 0 ]; then
			cat
			for hook in $added; do echo "-I $hook -j $name"; done
		elif [ -n "$main" ]; then
			echo "-X $name"
		fi
		echo COMMIT
	} | "$command-restore" -w --noflush
}

has_set() { ipset list -n "$1" >/dev/null 2>&1; }

# fill SET: makes ${name}_t from standard input, and puts it in the place of the set.
fill() {
	if has_set "${name}_t"; then ipset destroy "${name}_t" || return; fi
	ipset restore || return
	if has_set "$1"; then
		ipset swap "${name}_t" "$1" && ipset destroy "${name}_t"
	else
		ipset rename "${name}_t" "$1"
	fi
}

# keep_sets [SET...]: destroys the others of ours.
keep_sets() {
	[ "$with_sets" = yes ] || return 0
	for set in "${name}_4" "${name}_6" "${name}_4p" "${name}_6p" "${name}_t"; do
		case " $* " in
		*" $set "*) ;;
		*) if has_set "$set"; then ipset destroy "$set" || return; fi ;;
		esac
	done
}

# Without IPv6 in the kernel there is nothing to load for it, or to remove.
has_ipv6() { [ -e /proc/net/if_inet6 ]; }

remove() {
	removed=0
	replace "$iptables" </dev/null || removed=1
	if has_ipv6; then replace "$ip6tables" </dev/null || removed=1; fi
	keep_sets || removed=1
	return $removed
}

stop() {
	echo "$name: $1" >&2
	exit 1
}

# Half of it is worse than nothing: somebody would rely on it.
fail() {
	echo "$name: $1" >&2
	remove || stop 'and what was loaded of it cannot be removed'
	stop 'nothing of it is loaded now'
}

# need COMMAND PACKAGE
need() { command -v "$1" >/dev/null || stop "$1 is not installed; it is in the package $2"; }

case $# in 0) action=load ;; 1) action=$1 ;; *) action= ;; esac
case $action in load | remove) ;; *) stop 'usage: sh FILE [load|remove]' ;; esac
need "$iptables" iptables
need "$iptables-restore" iptables
if has_ipv6; then need "$ip6tables-restore" iptables; fi
if [ "$with_sets" = yes ]; then need ipset ipset; fi
"$iptables" -w -S >/dev/null || stop "$iptables does not work here, or only for root"
if [ "$action" = remove ]; then
	remove || stop "not all of it is removed; does another rule lead to it? $iptables -S | grep $name"
	exit
fi
trap 'fail interrupted' HUP INT TERM
fill_sets || fail 'ipset failed'
load_4 || fail "$iptables failed"
if has_ipv6; then load_6 || fail "$ip6tables failed"; fi
# shellcheck disable=SC2086 # a list
keep_sets $sets || echo "$name: loaded; an older set of it is in use elsewhere, and was left" >&2
