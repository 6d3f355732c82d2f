# In: side, class, popularity, peers, upto_percent; a curve has its rows together
stats data skip 1 using 3 name "P" nooutput
stats data skip 1 using (strcol(1) eq "external" ? 1 : 0) name "E" nooutput
stats data skip 1 using (strcol(1) eq "internal" ? 1 : 0) name "I" nooutput
set logscale x
set xrange [0.9 : (P_max > 9 ? P_max * 1.3 : 12)]
set yrange [0 : 105]
set ytics 20
set format x "%g"
set tmargin 2
set rmargin 2
at(side, class) = strcol(1) eq side && strcol(2) eq class ? column(3) : NaN
$paper << EOD
1	65
EOD
set multiplot layout 1, 2
# Here is room for the key: hardly any external peer is contacted by many clients.
set key inside bottom right vertical
# A side without a peer has no curve, and says so.
if (E_sum == 0) set label 1 "none was contacted" at graph 0.5, 0.9 center
set title "external peers"
set xlabel "contacted by so many clients"
set ylabel "peers contacted by at most as many (%)"
plot data skip 1 using (at("external", "probe")):5 with steps lt 1 title "probe", \
     data skip 1 using (at("external", "non-probe")):5 with steps lt 2 title "non-probe", \
     NaN with points lt 4 title "paper"
set key off
unset label 1
if (I_sum == 0) set label 1 "none was contacted" at graph 0.5, 0.9 center
set title "internal clients"
set xlabel "contacted by so many peers"
unset ylabel
plot data skip 1 using (at("internal", "probe")):5 with steps lt 1 title "probe", \
     data skip 1 using (at("internal", "non-probe")):5 with steps lt 2 title "non-probe", \
     $paper using 1:2 with points lt 4
unset multiplot
