package soap

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
)

// Exchange lets an account synchronise five folders at once and refuses the sixth; other requests have more room.
func TestSynchronisationsOfFoldersWaitTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		answer := func(r *http.Request) (*http.Response, error) {
			<-gate
			return xmlReply(`<m:SyncFolderItemsResponse><m:ResponseMessages><m:SyncFolderItemsResponseMessage ResponseClass="Success">` +
				`<m:ResponseCode>NoError</m:ResponseCode><m:SyncState>s</m:SyncState><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange><m:Changes/>` +
				`</m:SyncFolderItemsResponseMessage></m:ResponseMessages></m:SyncFolderItemsResponse>`)(r)
		}
		c, s := scripted(t, nil, answer)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := c.SyncFolderItems(t.Context(), As{}, &SyncFolderItems{Folder: WellKnown("calendar", ""), Max: 1}); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if s.count() != 5 {
			t.Errorf("%d under way", s.count())
		}
		// The one that finds out whether a server is back waits for nobody.
		all.Go(func() {
			if _, err := c.SyncFolderItems(t.Context(), As{Ahead: true}, &SyncFolderItems{Folder: WellKnown("calendar", ""), Max: 1}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if s.count() != 6 {
			t.Errorf("%d under way with the one ahead", s.count())
		}
		for range 9 {
			gate <- struct{}{}
			synctest.Wait()
		}
		all.Wait()
		if s.count() != 9 {
			t.Errorf("%d sent in the end", s.count())
		}
	})
}
