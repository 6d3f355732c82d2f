# In: seconds, flows, longer, longer_percent
stats data skip 1 using 2 name "ALL" nooutput
stats data skip 1 using 1 name "S" nooutput
# The least that is not zero; when there is none, the column would have no valid point at all.
stats data skip 1 using ($1 > 0 ? $1 : 1e30) name "P" nooutput
first = S_max > 0 ? 10 ** floor(log10(P_min)) : 0.1
last = S_max > 0 ? 10 ** ceil(log10(S_max) + 0.01) : 10
lowest = 10 ** floor(log10(100.0 / ALL_sum) - 0.01)
set logscale xy
set xrange [first : last]
set yrange [lowest : 130]
set xlabel "duration of the source flow (s)"
set ylabel "source flows that last longer (%)"
set format xy "%g"
# Weeks: eight decades and more, whose labels would run into each other.
if (log10(last / first) > 7) set xtics 100
# Zero is not on a logarithmic axis: flows of no duration are left of it, and the last step ends on the axis.
share(p) = p > 0 ? p : lowest
# The paper gives one point: single packets, of no duration, are 80 %.
$paper << EOD
20
EOD
plot data skip 1 using ($1 > 0 ? $1 : first):(share($4)) with steps lt 1 title "this trace", \
     $paper using (first):1 with points lt 4 title "paper, campus of Torino 2007"
