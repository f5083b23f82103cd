// Package mapping adapts appointments on their way between CRM and Exchange by the rules that an administrator wrote: what
// their subject, text, place, categories and marks become, and which of them are left out. It is pure: rules and an
// appointment go in, an appointment and a word on what was done to it come out.
package mapping
