package main

// The audit trail in the house: what stands in it beside what people ask for, and what the operator sees of it.

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"portico/app/account"
	"portico/app/audit"
	"portico/app/portal"
)

// openAudit makes the audit trail; storage is there by then.
func (h *house) openAudit() {
	keep := h.cfg.Audit.Retention
	if keep == 0 {
		keep = -1 // for ever
	}
	lines := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "portico_audit_lines_total", Help: "Lines of the audit trail by what became of them: stored, or lost, which the log alone has.",
	}, []string{"result"})
	h.registry.MustRegister(lines)
	for _, result := range []string{"stored", "lost"} {
		lines.WithLabelValues(result)
	}
	h.audit = audit.New(h.store, audit.Options{
		Keep: keep, Counted: func(result string) { lines.WithLabelValues(result).Inc() }, Logger: h.log.With("part", "audit"),
	})
}

// auditEnded puts sessions into the trail that nobody's request ended.
func (h *house) auditEnded(who portal.Address, reason string) {
	if reason == account.ReasonExpired || reason == account.ReasonLineLost {
		h.audit.Note(context.Background(), portal.Audited{Kind: portal.AuditSessionEnded, About: who, Detail: reason})
	}
}
