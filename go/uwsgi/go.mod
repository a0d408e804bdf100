module uwsgi

go 1.18
