// Package series is what time and changes do to an appointment that may repeat: expansion, changing one occurrence or all,
// cutting a series in two, and the word that says whether two copies show the same. It is pure.
package series
