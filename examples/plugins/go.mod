module plugins

go 1.18

require uwsgi v0.0.0

replace uwsgi => ../../go/uwsgi
