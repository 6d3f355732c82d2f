# In: longitude, latitude, probe, non_probe, placed; world.tsv: longitude, latitude
mercator(d) = log(tan(pi / 4 + d * pi / 360)) * 180 / pi
y(d) = mercator(d > 83 ? 83 : d < -83 ? -83 : d)
# Many dots are smaller, all of them: the coasts must be seen between them.
size(n) = (0.35 + 0.4 * log10(n)) * (rows > 400 ? 0.3 + 0.7 * sqrt(400.0 / rows) : 1)
set xrange [-180 : 180]
set yrange [y(-57) : y(80)]
set size ratio -1
set xtics 60
set ytics ("-40" y(-40), "-20" y(-20), "0" 0, "20" y(20), "40" y(40), "60" y(60), "80" y(80))
set xlabel "longitude (degrees)"
set ylabel "latitude (degrees)"
set key outside bottom center horizontal
set label 1 "addresses" at -172, y(-20) + 14 left
set for [i=0:3] label 2 + i sprintf("%d", 10 ** i) at -165, y(-20) - 14 * i left offset 1.3, -0.3 point lt 2 pt 7 ps 0.8 * size(10 ** i)
# A ring around a dot where both are in one place.
plot "world.tsv" skip 1 using 1:(y($2)) with lines lc rgb "#808080" lw 0.5 notitle, \
     data skip 1 using 1:($4 > 0 ? y($2) : NaN):(0.8 * size($4 > 0 ? $4 : 1)) with points lt 2 pt 7 ps variable notitle, \
     data skip 1 using 1:($3 > 0 ? y($2) : NaN):(1.3 * size($3 > 0 ? $3 : 1)) with points lt 1 lw 1 pt 6 ps variable notitle, \
     NaN with points lt 1 lw 1 pt 6 ps 1 title "probe", \
     NaN with points lt 2 pt 7 ps 0.7 title "non-probe"
