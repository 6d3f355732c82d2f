# In: timeout_s, then the percentages of pairs and of flows: probe, heartbeat, dialog, mix
# Rossi, Mellia and Meo, table I: at 200 s, shares of pairs and of flows; what is written above each circle, as a curve
# may go through it. Of the flows, two circles touch and have one name.
$paper << EOD
200	51.2	8.0	probe	probe, dialog
200	15.8	26.3	heartbeat	heartbeat
200	25.1	6.2	dialog	 
200	8.0	59.5	mix	mix
EOD
set style line 5 lc rgb "black" lw 1 dt solid pt 2 ps 0.6
set logscale x
set xrange [54 : 670]
set xtics (60, 100, 200, 300, 600)
set yrange [0 : 105]
set ytics 20
set multiplot
set tmargin at screen 0.74
set bmargin at screen 0.2
set xlabel "inactivity timeout (s)"
unset key
set lmargin at screen 0.16
set rmargin at screen 0.54
set ylabel "share (%)"
set title "of pairs" offset 0, -0.5
plot data skip 1 using 1:2 with linespoints lt 1, \
     data skip 1 using 1:3 with linespoints lt 2, \
     data skip 1 using 1:4 with linespoints lt 3, \
     data skip 1 using 1:5 with linespoints ls 5, \
     $paper using 1:2 with points lt 4, \
     $paper using (215):($2 + 4.5):4 with labels left font ",8"
set lmargin at screen 0.59
set rmargin at screen 0.97
unset ylabel
set format y ""
set title "of flows"
plot data skip 1 using 1:6 with linespoints lt 1, \
     data skip 1 using 1:7 with linespoints lt 2, \
     data skip 1 using 1:8 with linespoints lt 3, \
     data skip 1 using 1:9 with linespoints ls 5, \
     $paper using 1:3 with points lt 4, \
     $paper using (215):($3 + 4.5):5 with labels left font ",8"
# One key for both, over the whole width.
set lmargin at screen 0.02
set rmargin at screen 0.98
set tmargin at screen 0.98
set bmargin at screen 0.88
unset border
unset tics
unset grid
unset xlabel
unset title
set key inside top center horizontal maxrows 2 width -2 samplen 2.5
plot NaN with linespoints lt 1 title "probe", NaN with linespoints lt 2 title "heartbeat", \
     NaN with linespoints lt 3 title "dialog", NaN with linespoints ls 5 title "mix", \
     NaN with points lt 4 title "paper"
unset multiplot
