/* A program of C that carries the server: it takes goherd's options, and adds one of its own in front of them.
 *
 *     cc -o server server.c $(pkg-config --cflags --libs goherd)
 *     ./server --go-load ./app.so
 */

#include <goherd.h>
#include <stdlib.h>

int main(int argc, char **argv, char **envp)
{
	char **args = calloc(argc + 3, sizeof *args);
	int count = 0;

	if (args == NULL)
		return 1;
	args[count++] = argv[0];
	args[count++] = "--http-socket";
	args[count++] = getenv("ADDRESS") ? getenv("ADDRESS") : "127.0.0.1:8080";
	for (int i = 1; i < argc; i++)
		args[count++] = argv[i];
	return goherd_main(count, args, envp);
}
