// Package crm is the room of the CRM side: appointments that people keep in CRM, with the users who take part in them and
// the people and companies outside that they are tied to.
package crm
