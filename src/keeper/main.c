/* SPDX-License-Identifier: MIT */
/*
 * xensnd-keeper: holds what it was given and does nothing, until the machine stops. Why there has
 * to be such a program is said in src/frontend/keeper.h.
 */
#include <unistd.h>

int main(void)
{
	for (;;)
		pause();
}
