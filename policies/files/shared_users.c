#include "shared_users.h"

#include "lib/base/buffer.h"
#include "lib/base/memory.h"

enum { USER_TEXT_MAX = 4096 };

/* The item of the shared policy NAME, made where it is missing. */
static struct shared_user *user_of(struct shared_users *users, struct bytes name)
{
    struct name_map_item *item = name_map_add(&users->names, name);
    if (item->value != 0) {
        return &users->items[item->value - 1];
    }
    ARRAY_GROW(users->items, users->count, users->capacity);
    users->items[users->count++] = (struct shared_user){0};
    item->value = users->count;
    return &users->items[item->value - 1];
}

static bool count_user(const struct catalogue_view *view, void *context)
{
    struct shared_users *users = context;
    if (view->shared == NULL) {
        return true;
    }
    struct shared_user *user = user_of(users, view->shared->name);
    if (user->domains < SHARED_USERS_NAMED) {
        user->first[user->domains] = view->entry->name;
    }
    user->domains++;
    return true;
}

void shared_users_collect(const struct catalogue *catalogue, struct shared_users *ret_users)
{
    *ret_users = (struct shared_users){0};
    catalogue_each(catalogue, count_user, ret_users);
}

const struct shared_user *shared_users_find(const struct shared_users *users, struct bytes name)
{
    const struct name_map_item *item = name_map_find(&users->names, name);
    return item != NULL ? &users->items[item->value - 1] : NULL;
}

char *shared_user_text(const struct shared_user *user)
{
    struct buffer text = BUFFER(USER_TEXT_MAX);
    buffer_printf(&text, "%zu domain%s (", user->domains, user->domains == 1 ? "" : "s");
    for (size_t i = 0; i < user->domains && i < SHARED_USERS_NAMED; i++) {
        buffer_printf(&text, "%s%.*s", i == 0 ? "" : ", ", BYTES_ARG(user->first[i]));
    }
    buffer_add_string(&text, user->domains > SHARED_USERS_NAMED ? ", ...)" : ")");
    return buffer_take(&text);
}

void shared_users_clear(struct shared_users *users)
{
    name_map_clear(&users->names);
    free(users->items);
    *users = (struct shared_users){0};
}
