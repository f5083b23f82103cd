package views

import (
	"fmt"
	"time"

	"portico/app/portal"
)

// The charts of the control panel: an hour in minutes, drawn in a space of its own units. What they show stands beside
// them in words and, on demand, as a table.

// Width and height of a chart in its own units, and what a minute takes.
const chartWidth, chartHeight, chartStep = 300, 60, 5

// chartBar is a stretch of a bar.
type chartBar struct {
	Kind                string
	X, Y, Width, Height string
}

// throughputBars are what was carried in each minute, one direction on the other.
func throughputBars(minutes []portal.SyncMinute) []chartBar {
	most := 1
	for _, m := range minutes {
		most = max(most, m.ToExchange+m.ToCRM)
	}
	var out []chartBar
	for i, m := range minutes {
		y := float64(chartHeight)
		for _, part := range []struct {
			kind string
			n    int
		}{{"to-exchange", m.ToExchange}, {"to-crm", m.ToCRM}} {
			if part.n == 0 {
				continue
			}
			h := float64(part.n) * chartHeight / float64(most)
			y -= h
			out = append(out, chartBar{Kind: part.kind, X: fmt.Sprint(i * chartStep), Y: fmt.Sprintf("%.1f", y), Width: fmt.Sprint(chartStep - 1), Height: fmt.Sprintf("%.1f", h)})
		}
	}
	return out
}

// lagBars are the lags of each minute: the 99th of a hundred behind, the median before it.
func lagBars(minutes []portal.SyncMinute) []chartBar {
	most := time.Millisecond
	for _, m := range minutes {
		most = max(most, m.LagP99)
	}
	var out []chartBar
	for i, m := range minutes {
		for _, part := range []struct {
			kind string
			d    time.Duration
		}{{"p99", m.LagP99}, {"median", m.LagMedian}} {
			if part.d <= 0 {
				continue
			}
			h := float64(part.d) * chartHeight / float64(most)
			out = append(out, chartBar{Kind: part.kind, X: fmt.Sprint(i * chartStep), Y: fmt.Sprintf("%.1f", chartHeight-h), Width: fmt.Sprint(chartStep - 1), Height: fmt.Sprintf("%.1f", h)})
		}
	}
	return out
}

// throughputText is what was carried within the hour, in words.
func (v SyncPage) throughputText() string {
	to, from, failed := 0, 0, 0
	for _, m := range v.Status.Minutes {
		to, from, failed = to+m.ToExchange, from+m.ToCRM, failed+m.Failed
	}
	return v.Text("sync.chart.throughput-text", "ToExchange", to, "ToCRM", from, "Failed", failed)
}

// lagText is the lag of the last minute in which anything was carried, and the worst of the hour, in words.
func (v SyncPage) lagText() string {
	var last portal.SyncMinute
	var worst time.Duration
	for _, m := range v.Status.Minutes {
		if m.LagMedian > 0 {
			last = m
		}
		worst = max(worst, m.LagP99)
	}
	if last.LagMedian == 0 {
		return v.Text("sync.chart.lag-none")
	}
	return v.Text("sync.chart.lag-text", "Median", v.lasted(last.LagMedian), "P99", v.lasted(last.LagP99), "Worst", v.lasted(worst))
}

// busyMinutes are those in which anything happened, the newest first, for the table.
func (v SyncPage) busyMinutes() []portal.SyncMinute {
	var out []portal.SyncMinute
	for i := len(v.Status.Minutes) - 1; i >= 0; i-- {
		if m := v.Status.Minutes[i]; m.ToExchange+m.ToCRM+m.Failed > 0 {
			out = append(out, m)
		}
	}
	return out
}

// chartKinds are the parts of a chart, for its key.
func chartKinds(chart string) []string {
	if chart == "lag" {
		return []string{"median", "p99"}
	}
	return []string{"to-exchange", "to-crm"}
}

// okState is the mark of a finding.
func okState(ok bool) string {
	if ok {
		return portal.MailboxInStep
	}
	return portal.MailboxLost
}
