/* Where the two beds differ, and why. A test that has to know on which one it runs knows it from here. */
#ifndef DIFFERENCES_H
#define DIFFERENCES_H

#include "bed.h"
#include "scm.h"

/* The attribute that is the ATR. The driver of vpcd knows the tags of the driver interface (ifdhandler.h) only; virtual
 * readers know the attributes of PC/SC part 3, as drivers of real readers do. */
static inline uint32_t atr_attribute(void)
{
    return bed_is_virtual() ? 0x00090303 : 0x0303;
}

/* A daemon serves so many clients and no more; inside a process nothing is counted but memory. */
static inline bool service_limits_its_clients(void)
{
    return !bed_is_virtual();
}

/* Who shares a real card never knows whether another process uses it too; virtual readers are in this process alone. */
static inline bool others_can_be_known(void)
{
    return bed_is_virtual();
}

/* PC/SC calls past the library do not see virtual readers, their card handles and contexts. */
static inline bool handles_are_those_of_pcsc(void)
{
    return !bed_is_virtual();
}

#endif
