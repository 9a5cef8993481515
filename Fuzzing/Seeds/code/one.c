// SPDX-License-Identifier: GPL-2.0-only
// a
#include <linux/a.h> /* b
*/
#define M(x) do { x; } while (0)
struct s { int a; char *b[4]; };
static const int t[] = { [0] = 1, 'x', "\"" [0] };
static int __attribute__((section("x"))) one(struct s *s, int (*f)(void))
{
	int a = s->a ? 1 : 2;

	if (a && !f()) {
		goto out;
	} else if (a > 0x10) {
		a += ({ int b = 1; b; });
	}
	for (;;)
		break;
out:
	return a;
}
EXPORT_SYMBOL(one);
#if 0
int two(
#endif
