# In: seconds, entries_30s, entries_120s, entries_200s, entries_300s, probes_200s, tcp_200s, start, width_s
# What stats goes through last stays: the entries of the last interval, column by column.
n2 = n3 = n4 = n5 = n6 = 0
stats data skip 1 using (n2 = $2, n3 = $3, n4 = $4, n5 = $5, n6 = $6, $1) name "T" nooutput
stats data skip 1 using 9 name "W" nooutput
stats data skip 1 using 5 name "E" nooutput
# The first interval may begin before the trace; the last one lasts as long as the others.
end = T_max + W_max
unit = end <= 600 ? 1 : end <= 7200 ? 60 : end <= 172800 ? 3600 : 86400
name = unit == 1 ? "seconds" : unit == 60 ? "minutes" : unit == 3600 ? "hours" : "days"
since(s) = (s < 0 ? 0 : s) / unit
set xrange [0 : end / unit]
set yrange [0 : (E_max > 0 ? E_max * 1.1 : 1)]
set xlabel "time since the first packet (" . name . ")"
set ylabel "entries at a time"
set key outside top center horizontal width 0
set tmargin 3
# A step goes up to the next one, and behind the last interval there is none: it is drawn by itself.
set print $last
print sprintf("%.9g\t%d\t%d\t%d\t%d\t%d", since(T_max), n2, n3, n4, n5, n6)
print sprintf("%.9g\t%d\t%d\t%d\t%d\t%d", end / unit, n2, n3, n4, n5, n6)
set print
plot data skip 1 using (since($1)):6 with fillsteps lt 1 fs transparent solid 0.25 noborder title "200 s: of probes", \
     $last using 1:6 with fillsteps lt 1 fs transparent solid 0.25 noborder notitle, \
     data skip 1 using (since($1)):5 with steps lt 3 title "300 s", $last using 1:5 with steps lt 3 notitle, \
     data skip 1 using (since($1)):4 with steps lt 1 title "200 s", $last using 1:4 with steps lt 1 notitle, \
     data skip 1 using (since($1)):3 with steps lt 2 title "120 s", $last using 1:3 with steps lt 2 notitle, \
     data skip 1 using (since($1)):2 with steps lc rgb "black" lw 1 dt solid title "30 s", \
     $last using 1:2 with steps lc rgb "black" lw 1 dt solid notitle
