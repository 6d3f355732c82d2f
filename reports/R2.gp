# In: peers, intervals, upto_percent
# Up to where nearly all intervals are: the last few would press the curve against the axis. The data file has them.
stats data skip 1 using ($3 >= 99.5 ? $1 : 1e30) name "P" nooutput
set xrange [0 : (P_min > 80 ? P_min * 1.05 : 84)]
set yrange [0 : 105]
set ytics 20
set xlabel "peers that a client exchanged a packet with in 5 minutes"
set ylabel "intervals with at most as many (%)"
$paper << EOD
30	90
75	99
EOD
plot data skip 1 using 1:3 with steps lt 1 title "this trace", \
     $paper using 1:2 with points lt 4 title "paper, campus of Torino 2007"
