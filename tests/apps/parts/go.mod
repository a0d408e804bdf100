module parts

go 1.18

require (
	example.com/unused v1.0.0
	example.com/words v1.2.3
)
