# In: start_s, period_s, packets, payload, flows, active_clients, new_clients, logins, calls, period, start_utc
period = ""
stats data skip 1 using (period = strcol(10), $2) name "W" nooutput
stats data skip 1 using 1 name "T" nooutput
stats data skip 1 using ($7 > $8 ? ($7 > $9 ? $7 : $9) : ($8 > $9 ? $8 : $9)) name "E" nooutput
stats data skip 1 using 4 name "B" nooutput
width = W_max
set xdata time
set timefmt "%s"
set xrange [T_min : T_max + width]
# Labels at whole periods or, of more than two days, at whole days; about seven, or four with their years.
span = T_max - T_min + width
step = span < 2 * 86400 ? width : 86400
set xtics step * ceil(span / ((span < 300 * 86400 ? 7.0 : 4.0) * step))
unset mxtics
set format x (span < 2 * 86400 ? "%H:%M" : span < 300 * 86400 ? "%d %b" : "%b %Y")
set boxwidth width absolute
set style fill solid 0.5 noborder
set lmargin 12
# About four labels on an axis: 1, 2 or 5 times a power of ten apart.
nice(x) = (p = 10 ** floor(log10(x)), x < 1.5 * p ? p : x < 3.5 * p ? 2 * p : x < 7.5 * p ? 5 * p : 10 * p)
set multiplot layout 2, 1
# The unit is the axis's: of labels with a unit each, rounded to whole ones, several would be the same.
unit = B_max < 1e3 ? 1 : B_max < 1e6 ? 1e3 : B_max < 1e9 ? 1e6 : 1e9
set ylabel sprintf("payload (%s/%s)", unit == 1 ? "B" : unit == 1e3 ? "kB" : unit == 1e6 ? "MB" : "GB", period)
set format y "%g"
set ytics nice(B_max > 4 ? B_max / 4.0 : 1) / unit
set yrange [0 : *]
set key off
plot data skip 1 using ($1 + width / 2):($4 / unit) with boxes lt 1 notitle
set xlabel strftime("time (UTC), from %Y-%m-%d", T_min)
set ylabel sprintf("per %s", period)
set ytics nice(E_max > 4 ? E_max / 4.0 : 1)
set yrange [0 : (E_max > 4 ? E_max * 1.15 : 5)]
set key above horizontal width -5 samplen 2
# Few periods: a mark for each, side by side, so that none hides another. Many: lines.
some(n) = n > 0 ? n : NaN
marks = "data skip 1 using ($1 + width * %g):(some($%d)) with impulses lt %d notitle, \
         data skip 1 using ($1 + width * %g):(some($%d)) with points lt %d notitle, \
         NaN with linespoints lt %d title '%s'"
lines = "data skip 1 using ($1 + width / 2):%d with lines lt %d title '%s'"
mark(place, column, style, title) = sprintf(marks, place, column, style, place, column, style, style, title)
curve(place, column, style, title) = \
	T_records > 50 ? sprintf(lines, column, style, title) : mark(place, column, style, title)
new_clients = curve(0.25, 7, 1, "new clients")
logins = curve(0.5, 8, 2, "logins")
calls = curve(0.75, 9, 3, "calls")
plot @new_clients, @logins, @calls
unset multiplot
