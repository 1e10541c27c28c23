package rest

import (
	"strings"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/notification"
)

var notificationRoutes = []route{
	{"GET", "/api/org/notifications", "notifications", (*call).listNotifications, nil},
}

// notificationView is a notification as this endpoint shows it.
type notificationView struct {
	ID        string        `json:"id"`
	CreatedAt time.Time     `json:"created_at"`
	OrgID     string        `json:"org_id"`
	Hash      string        `json:"hash"`
	Kind      string        `json:"kind"`
	Topic     string        `json:"topic"`
	Title     string        `json:"title"`
	Message   string        `json:"message"`
	Data      core.Document `json:"data"`
}

// listNotifications answers with all of them. They are made of what there is, so that there is nothing to refresh.
func (c *call) listNotifications() (reply, error) {
	out := []notificationView{}
	err := every(c, func(first *int, after *string) (fetched[notification.Notification], error) {
		l, err := c.Query.Notifications(c.ctx, first, after)
		if err != nil {
			return fetched[notification.Notification]{}, err
		}
		return fetched[notification.Notification]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}, func(n *notification.Notification) error {
		out = append(out, notificationView{n.ID, n.CreatedAt.UTC(), n.OrgID, n.Hash(), strings.ToLower(string(n.Kind)), n.Topic, n.Title, n.Message, n.Data})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return shown(out), nil
}
