# Common to all figures; read before each NAME.gp, after the terminal, output, data and rows are set.
# Legible in black and white: curves differ by dash and point, not by colour alone. Colours: Okabe and Ito.
set datafile separator "\t"
set linetype 1 lc rgb "#0072b2" lw 2 dt solid pt 7 ps 0.5
set linetype 2 lc rgb "#d55e00" lw 2 dt (10,4) pt 5 ps 0.5
set linetype 3 lc rgb "#009e73" lw 2 dt (3,4) pt 9 ps 0.5
set linetype 4 lc rgb "black" lw 1.5 dt (2,3) pt 6 ps 1.2
set border 3 lw 1
set tics nomirror out
set grid xtics ytics lc rgb "#b0b0b0" lw 0.5 dt (1,3)
# Above the plot, where no curve can run behind it.
set key above center horizontal Right width -1 samplen 3 spacing 1.1
set rmargin 4
