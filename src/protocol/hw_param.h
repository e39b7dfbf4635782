/* SPDX-License-Identifier: MIT */
/*
 * The set of parameters that HW_PARAM_QUERY asks about and answers with.
 *
 * Apart because both ends narrow such sets, and neither may trust the other's narrowing.
 */
#ifndef XENSND_PROTOCOL_HW_PARAM_H
#define XENSND_PROTOCOL_HW_PARAM_H

#include <stdbool.h>

#include "wire.h"

/*
 * False if the set holds no combination: no known format, an upside-down range, or nothing above 0.
 */
bool xensnd_hw_param_is_possible(const struct xensnd_query_hw_param *set);

/*
 * Narrows *set to what it has in common with other. 0; -EINVAL, and *set is as it was, when that is
 * nothing.
 */
int xensnd_hw_param_narrow(
	struct xensnd_query_hw_param *set, const struct xensnd_query_hw_param *other);

#endif
