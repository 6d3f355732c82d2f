# In: share_percent, upto_percent, client, signalling_bytes, media_bytes
set xrange [0 : 102]
set yrange [0 : 105]
set tics 20
set xlabel "signalling in all bytes of the client (%)"
set ylabel "clients with at most that share (%)"
$paper << EOD
5	5
99	20
EOD
plot data skip 1 using 1:2 with steps lt 1 title "this trace", \
     $paper using 1:2 with points lt 4 title "paper, campus of Torino 2007"
