# In: panel, client, why, from_s, until_s, peer
stats data skip 1 using 1 name "P" nooutput
panels = int(P_max)
if (panels < 3) set multiplot layout 1, panels
if (panels > 2) set multiplot layout 2, 2
set tmargin 2.5
set lmargin 10
set rmargin 2
set key off
set grid noxtics
set grid noytics
set xzeroaxis lt 1 lc rgb "black" lw 1 dt solid
# Few dots are drawn larger.
width = rows < 1500 ? 4 : rows < 6000 ? 2 : 0.8
# Steps of 1, 2, 5, 10 ... of which 3 to 7 fill the axis.
power(t) = 10 ** floor(log10(t / 3))
step(t) = t / 3 >= 5 * power(t) ? 5 * power(t) : t / 3 >= 2 * power(t) ? 2 * power(t) : power(t)
do for [i = 1 : panels] {
	# stats sees only what is inside the ranges.
	set xrange [* : *]
	set yrange [* : *]
	stats data skip 1 using ($1 == i ? $5 : NaN) name "T" nooutput
	stats data skip 1 using ($1 == i ? abs($6) : NaN) name "Y" nooutput
	unit = T_max > 2 * 86400 ? 86400 : T_max > 7200 ? 3600 : T_max > 120 ? 60 : 1
	last = T_max / unit
	set xlabel sprintf("time (%s)", \
	                   unit == 86400 ? "days" : unit == 3600 ? "hours" : unit == 60 ? "min" : "s")
	set ylabel i % 2 ? "peer: + sent to, - received from" : ""
	top = Y_max * 1.05 + 1
	set xrange [-0.01 * last : 1.02 * last]
	set yrange [-top : top]
	set xtics step(last)
	more = width > 1 ? last * 0.0008 * width : 0
	# Whose plot it is, above its middle: the first row of each panel says it.
	drawn = 0
	first(p) = p == i ? (drawn = drawn + 1, drawn == 1) : 0
	plot data skip 1 using (first($1) ? 0.5 * last : NaN):(top):2 with labels noenhanced offset 0, 0.9, \
	     data skip 1 using ($1 == i ? $4 / unit - more : NaN):6:(($5 - $4) / unit + 2 * more):(0) \
	         with vectors nohead lc rgb "#0072b2" lw width dt solid
}
unset multiplot
