module handler

go 1.18

require (
	github.com/coder/websocket v1.8.12
	github.com/gorilla/websocket v1.5.0
	uwsgi v0.0.0
)

replace uwsgi => ../../../go/uwsgi
