// Package resume lets people go on in another session where they were: with what they had begun to write in each
// conversation, and on the page they had open last.
//
// A draft is kept before it is acknowledged. A place is of less worth and comes with every page: it is kept in memory and
// written a little later, the newest of each person.
package resume
