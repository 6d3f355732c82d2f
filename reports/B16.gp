# In: longitude, latitude, supernodes, connections, placed; world.tsv: longitude, latitude
mercator(d) = log(tan(pi / 4 + d * pi / 360)) * 180 / pi
y(d) = mercator(d > 83 ? 83 : d < -83 ? -83 : d)
# Many dots are smaller, all of them.
size(n) = (0.35 + 0.4 * log10(n)) * (rows > 400 ? 0.3 + 0.7 * sqrt(400.0 / rows) : 1)
set xrange [-180 : 180]
set yrange [y(-57) : y(80)]
set size ratio -1
set xtics 60
set ytics ("-40" y(-40), "-20" y(-20), "0" 0, "20" y(20), "40" y(40), "60" y(60), "80" y(80))
set xlabel "longitude (degrees)"
set ylabel "latitude (degrees)"
set nokey
set label 1 "supernodes" at -172, y(-20) + 14 left
set for [i=0:2] label 2 + i sprintf("%d", 10 ** i) at -165, y(-20) - 14 * i left offset 1.3, -0.3 point lt 1 pt 7 ps size(10 ** i)
plot "world.tsv" skip 1 using 1:(y($2)) with lines lc rgb "#808080" lw 0.5 notitle, \
     data skip 1 using 1:(y($2)):(size($3)) with points lt 1 pt 7 ps variable notitle
