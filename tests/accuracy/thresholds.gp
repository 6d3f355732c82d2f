# Two panels over one axis: what is found, and what is falsely found, against the threshold. report.py sets data, most,
# marks, markN and wordsN, and loads reports/style.gp before.
set multiplot
set lmargin 9
set rmargin 4
set xrange [0:60]
set style arrow 1 nohead lc rgb "black" lw 1.5 dt (2,3)
set for [i=1:marks] arrow i from value(sprintf("mark%d", i)), graph 0 to value(sprintf("mark%d", i)), graph 1 as 1

set origin 0,0.46
set size 1,0.54
set tmargin 3
set bmargin 1
set format x ""
set yrange [0:105]
set ytics 25
set ylabel "recall, %"
set for [i=1:marks] label i value(sprintf("words%d", i)) \
	at value(sprintf("mark%d", i)), graph 1.03 left rotate by 14 font ",11"
set key bottom right
plot data using 1:2 with steps linetype 1 title "flows", \
	data using 1:3 with steps linetype 2 title "bytes"

set origin 0,0
set size 1,0.46
set tmargin 1
set bmargin 3.5
unset for [i=1:marks] label i
set format x "%g"
set xlabel "threshold, bits"
set yrange [0:most * 1.2]
set ytics autofreq
set ylabel "false alarms"
set key top right
plot data using 1:5 with steps linetype 1 title "flows, other captures", \
	data using 1:6 with steps linetype 2 title "sockets, other captures", \
	data using 1:4 with steps linetype 3 title "flows, Skype captures"
unset multiplot
