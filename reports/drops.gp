# In: start_s, packets, kernel, interface, store, kernel_percent, interface_percent, start_utc
stats data skip 1 using 1 name "T" nooutput
stats data skip 1 using ($6 > $7 ? $6 : $7) name "P" nooutput
set xdata time
set timefmt "%s"
span = T_max - T_min + 60
set xrange [T_min : T_max + 60]
set format x (span < 2 * 86400 ? "%H:%M" : "%d %b")
# Labels at whole minutes or days; about seven.
step = span < 2 * 86400 ? 60 : 86400
set xtics step * ceil(span / (7.0 * step))
unset mxtics
set yrange [0 : (P_max > 0 ? P_max * 1.1 : 1)]
set xlabel strftime("time (UTC), from %Y-%m-%d", T_min)
set ylabel "packets of the minute that were lost (%)"
plot data skip 1 using ($1 + 30):6 with impulses lt 1 title "by the kernel", \
     data skip 1 using ($1 + 30):7 with points lt 2 title "by the interface"
