# In: bits_per_s, upto_percent, client, lifetime_s
stats data skip 1 using ($1 > 0 ? $1 : 1e30) name "P" nooutput
stats data skip 1 using 1 name "B" nooutput
# From the decade of the slowest that sent anything; the paper's point is in the picture.
first = P_min < 10 ? 10 ** floor(log10(P_min)) : 10
last = B_max > 1000 ? 10 ** ceil(log10(B_max) + 0.01) : 1000
set logscale x
set xrange [first : last]
set yrange [0 : 105]
set ytics 20
set format x "%g"
set xlabel "average signalling bitrate (bit/s)"
set ylabel "internal clients that send at most as much (%)"
$paper << EOD
100	95
EOD
# Clients that sent nothing are on the axis: zero is not on a logarithmic one.
plot data skip 1 using ($1 > first ? $1 : first):2 with steps lt 1 title "this trace", \
     $paper using 1:2 with points lt 4 title "paper, campus of Torino 2007"
