module nouwsgi

go 1.18
