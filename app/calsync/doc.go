// Package calsync keeps the calendars of CRM and Exchange as one: what changes on one side is compared with the other and
// with what both last agreed, and carried over once.
package calsync
