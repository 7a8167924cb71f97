/* The differences of the two beds, with reasons. A test that depends on its bed asks here. */
#ifndef DIFFERENCES_H
#define DIFFERENCES_H

#include "bed.h"
#include "scm.h"

/* The attribute with the ATR. The vpcd driver has only the tags of the driver interface (ifdhandler.h); virtual readers
 * have the attributes of PC/SC part 3, as drivers of real readers do. */
static inline uint32_t atr_attribute(void)
{
    return bed_is_virtual() ? 0x00090303 : 0x0303;
}

/* A daemon has a maximum of clients; inside the process only memory limits them. */
static inline bool service_limits_its_clients(void)
{
    return !bed_is_virtual();
}

/* With a real card nobody knows whether another process uses it; virtual readers belong to this process. */
static inline bool others_can_be_known(void)
{
    return bed_is_virtual();
}

/* Direct PC/SC calls do not see virtual readers, their card handles and contexts. */
static inline bool handles_are_those_of_pcsc(void)
{
    return !bed_is_virtual();
}

#endif
