# In: packets, flows, longer, longer_percent
stats data skip 1 using 1 name "L" nooutput
stats data skip 1 using 2 name "F" nooutput
lowest = 10 ** floor(log10(100.0 / F_sum) - 0.01)
set logscale xy
set xrange [0.9 : (L_max > 9 ? L_max * 1.3 : 12)]
set yrange [lowest : 130]
set xlabel "length of the source flow (packets)"
set ylabel "source flows that are longer (%)"
set format y "%g"
# The last step goes to zero, which a logarithmic axis does not have: it ends on the axis.
share(p) = p > 0 ? p : lowest
$paper << EOD
1	20
5	1
EOD
plot data skip 1 using 1:(share($4)) with steps lt 1 title "this trace", \
     data skip 1 using 1:($4 > 0 ? $4 : NaN) with points lt 1 notitle, \
     $paper using 1:2 with points lt 4 title "paper, campus of Torino 2007"
