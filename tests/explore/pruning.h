/* SPDX-License-Identifier: MIT */
/* That pruning loses nothing: small programs, searched with and without. */
#ifndef EXPLORE_PRUNING_H
#define EXPLORE_PRUNING_H

/* So many programs at random; prints one line, or ends the process at a difference. */
void pruning_test(unsigned programs);

#endif
