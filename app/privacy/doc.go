// Package privacy keeps and decides what each person lets others see of them: relationships, what each shows, and who
// has added or watches them.
package privacy
