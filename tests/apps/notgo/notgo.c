/* A shared library that no Go compiler made. */
int answer(void) { return 42; }
