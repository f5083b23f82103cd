// Package merge decides what has to be done so that an appointment is the same in CRM and in Exchange: it compares both sides
// with what both last agreed and plans the steps. It is pure: no I/O and no clock; the same facts give the same plan.
//
// The parts: content.go is an appointment as it is compared, read.go makes it of either side's, compare.go compares three ways,
// plan.go and its neighbours decide, settle.go notes what came of it.
package merge
