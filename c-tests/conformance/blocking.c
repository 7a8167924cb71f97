#define _GNU_SOURCE /* gettid */
#include "blocking.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "side.h"
#include "wait.h"

/* The longest time for a wait after its end, in seconds. */
enum { TIME_LIMIT_S = 30 };

/* The call that waits. */
enum call { LOCKING, TRANSMITTING, ASKING, ATTACHING, RECONNECTING, RECONNECTING_EXCLUSIVELY, RESETTING, CALLS };
static const char *const CALL[CALLS] = {
    "lock", "transmit", "status", "attach", "reconnect with a reset", "reconnect exclusively", "detach with a reset",
};

/* The reason: another has a lock, or only an attachment. */
enum holder { LOCK_OF_OURS, LOCK_OF_ANOTHER, ATTACHMENT, HOLDERS };
static const char *const HOLDER[HOLDERS] = {"a lock", "another program's lock", "an attachment"};

/* The event that ends the wait. */
enum ending { LEAVING, RESETTING_CARD, UNPOWERING, DETACHING, PULLING, STOPPING, KILLING, ENDINGS };
static const char *const ENDING[ENDINGS] = {
    "it is given back", "it is given back with a reset", "it is given back without power", "its holder detaches",
    "the card is pulled", "the service stops", "the service is killed",
};

struct scene {
    struct side *side;
    enum call call;
    enum holder holder;
    enum ending ending;
    scm_handle *waiter, *held;
    scm_result result;
    atomic_int thread; /* its id, just before the call */
    atomic_bool is_done;
};

static struct scene *current;

static void give_up(int signal)
{
    (void)signal;
    fprintf(stderr, "%s, waiting for %s until %s: waits forever on the %s side\n", CALL[current->call],
            HOLDER[current->holder], ENDING[current->ending], current->side->name);
    _exit(1);
}

static scm_result echo(scm_handle *handle)
{
    uint8_t response[16];
    size_t length;
    return scm_transmit(handle, (const uint8_t *)"\x80\xEC\0\0\x01\x2A", 6, response, sizeof response, &length);
}

static void *wait_for_it(void *argument)
{
    struct scene *scene = argument;
    scm_reconnect_options options = SCM_RECONNECT_OPTIONS_INIT;
    uint32_t state, protocol;
    scene->thread = gettid();
    switch (scene->call) {
    case LOCKING: scene->result = scm_lock(scene->waiter); break;
    case TRANSMITTING: scene->result = echo(scene->waiter); break;
    case ASKING: scene->result = scm_status(scene->waiter, &state, &protocol); break;
    case ATTACHING: scene->result = scm_attach_by_ifd(side_ifd(scene->side, 0), &scene->waiter); break;
    case RECONNECTING:
        options.initial_action = SCM_DISPOSITION_RESET;
        scene->result = scm_reconnect_ex(scene->waiter, &options);
        break;
    case RECONNECTING_EXCLUSIVELY:
        options.share_mode = SCM_SHARE_EXCLUSIVE;
        scene->result = scm_reconnect_ex(scene->waiter, &options);
        break;
    case RESETTING:
        scene->result = scm_detach_ex(scene->waiter, SCM_DISPOSITION_RESET);
        scene->waiter = NULL;
        break;
    case CALLS: break;
    }
    scene->is_done = true;
    return NULL;
}

static void end_wait(struct scene *scene)
{
    static const uint32_t dispositions[] = {SCM_DISPOSITION_LEAVE, SCM_DISPOSITION_RESET, SCM_DISPOSITION_UNPOWER};
    switch (scene->ending) {
    case LEAVING:
    case RESETTING_CARD:
    case UNPOWERING:
        if (scene->holder == LOCK_OF_OURS)
            scm_unlock(scene->held, dispositions[scene->ending]);
        else if (scene->holder == LOCK_OF_ANOTHER)
            side_release(scene->side, 0, dispositions[scene->ending]);
        else {
            scm_detach_ex(scene->held, dispositions[scene->ending]);
            scene->held = NULL;
        }
        break;
    case DETACHING:
        scm_detach(scene->held);
        scene->held = NULL;
        break;
    case PULLING: side_pull(scene->side, 0); break;
    case STOPPING: side_stop(scene->side, false); break;
    case KILLING: side_stop(scene->side, true); break;
    case ENDINGS: break;
    }
}

static void tell_of(struct answer *answer, const char *who, scm_handle *handle)
{
    uint32_t state, protocol;
    uint64_t generation;
    if (handle == NULL)
        return;
    scm_result status = scm_status(handle, &state, &protocol);
    scm_result reconnected = scm_reconnect(handle);
    scm_result exchanged = echo(handle);
    scm_get_generation(handle, &generation);
    answer_add(answer, "; %s: status %s %u %u, reconnect %s, echo %s, generation %llu", who, answer_name(status),
               (unsigned)state, (unsigned)protocol, answer_name(reconnected), answer_name(exchanged),
               (unsigned long long)generation);
}

static void play(struct scene *scene, struct answer *answer)
{
    pthread_t thread;
    struct side *side = scene->side;
    current = scene;
    side_begin(side);
    if (scene->holder == LOCK_OF_ANOTHER)
        side_hold(side, 0, TRANSACTION);
    else
        scm_attach_by_ifd(side_ifd(side, 0), &scene->held);
    if (scene->call != ATTACHING) {
        /* Before the lock, or it would wait for it. */
        if (scene->holder == LOCK_OF_ANOTHER)
            side_release(side, 0, SCM_DISPOSITION_LEAVE);
        scm_attach_by_ifd(side_ifd(side, 0), &scene->waiter);
        if (scene->holder == LOCK_OF_ANOTHER)
            side_hold(side, 0, TRANSACTION);
    }
    if (scene->holder == LOCK_OF_OURS)
        scm_lock(scene->held);

    alarm(TIME_LIMIT_S);
    if (pthread_create(&thread, NULL, wait_for_it, scene) != 0)
        abort();
    await_sleep(&scene->thread, &scene->is_done);
    end_wait(scene);
    pthread_join(thread, NULL);
    answer_begin(answer, scene->result);

    /* The waiter releases what it got before the other one may use the card. */
    if (scene->call == LOCKING)
        answer_add(answer, "; unlock %s", answer_name(scm_unlock(scene->waiter, SCM_DISPOSITION_LEAVE)));
    if (!side->runs)
        side_start(side);
    if (scene->call == RECONNECTING_EXCLUSIVELY) {
        scm_reconnect_options options = SCM_RECONNECT_OPTIONS_INIT;
        options.share_mode = SCM_SHARE_SHARED;
        answer_add(answer, "; shared again %s", answer_name(scm_reconnect_ex(scene->waiter, &options)));
    }
    if (scene->ending == PULLING)
        side_insert(side, 0, 0);
    /* If the lock is held after all, the waiter would wait for it. */
    if (scene->holder == LOCK_OF_OURS && scene->held != NULL && scene->ending >= PULLING)
        answer_add(answer, "; unlock %s", answer_name(scm_unlock(scene->held, SCM_DISPOSITION_LEAVE)));
    tell_of(answer, "holder", scene->held);
    tell_of(answer, "waiter", scene->waiter);
    alarm(0);
    scm_detach(scene->held);
    scm_detach(scene->waiter);
    side_end(side);
}

/* Some combinations make no sense. */
static bool makes_sense(enum call call, enum holder holder, enum ending ending)
{
    /* Without a lock only exclusive use waits, and its release is a detach. */
    if ((holder == ATTACHMENT) != (call == RECONNECTING_EXCLUSIVELY) || (holder == ATTACHMENT && ending == DETACHING))
        return false;
    /* Of another program only the release of its lock is tested. The stack cannot release a removed card, and the end
     * of the service is the same for all. */
    return holder != LOCK_OF_ANOTHER || ending <= UNPOWERING;
}

bool blocking_compare(void)
{
    int scenes = 0, different = 0;
    signal(SIGALRM, give_up);
    for (enum call call = 0; call < CALLS; call++)
        for (enum holder holder = 0; holder < HOLDERS; holder++)
            for (enum ending ending = 0; ending < ENDINGS; ending++) {
                static struct answer real, virtual;
                if (!makes_sense(call, holder, ending))
                    continue;
                struct scene scene = {.side = &REAL, .call = call, .holder = holder, .ending = ending};
                play(&scene, &real);
                struct scene twin = {.side = &VIRTUAL, .call = call, .holder = holder, .ending = ending};
                play(&twin, &virtual);
                scenes++;
                if (strcmp(real.text, virtual.text) == 0)
                    continue;
                different++;
                fprintf(stderr, "%s, waiting for %s until %s:\n    real:    %s\n    virtual: %s\n", CALL[call],
                        HOLDER[holder], ENDING[ending], real.text, virtual.text);
            }
    printf("%d calls that wait, %d differences\n", scenes, different);
    return different == 0;
}
